import helper
import helper_gone
from helper import tool
