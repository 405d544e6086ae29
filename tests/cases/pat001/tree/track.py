import wandb
from streamlit import sidebar
try:
    import wandb.sdk
except ImportError:
    pass
def f():
    import wandb
