print 'python 2'
from pkg import gone
