"""The signal expert: statistics of a picture's finest structure → a calibrated p_fake.

    from groundsight.forensics.signal.expert import load_signal_expert
    score = load_signal_expert().score(picture.rgb)

Camera pictures carry sensor noise, demosaicing and optics in their finest structure; generated
ones carry the traces of a decoder's up-sampling and of a loss that blurs what it can not predict.
Nothing here looks at what the picture shows. Needs numpy and onnxruntime, no torch.
"""
