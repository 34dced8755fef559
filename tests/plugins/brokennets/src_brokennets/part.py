import brokennets.lost
