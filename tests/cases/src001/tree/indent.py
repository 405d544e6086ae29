# from pkg import (
    a,
)
