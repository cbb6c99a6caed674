"""Models of hubs on this disk: `download.py` gets them, `hub.py` and `modelscope.py` know the hubs."""
