"""Networks that merge feature maps of several strides into one."""
