"""Opening pictures, boxes and their frames, the one IoU, drawing."""
