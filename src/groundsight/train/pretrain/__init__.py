"""Pretraining of the nano base: dense labels at every visual token, then short questions.

`scripts/pretrain_nano.py` is its command. Loaded when it is asked for: it needs torch.
"""
