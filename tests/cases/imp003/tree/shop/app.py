import json
import requests.sessions
import cv2
import hydra, omegaconf
import einops
import wandb
import tiktoken
from boto9 import client
try:
    import optional_thing
except ImportError:
    optional_thing = None
