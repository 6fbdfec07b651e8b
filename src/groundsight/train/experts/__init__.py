"""Training of published detectors on pictures of one's own.

    trained = train_expert("npr", choice, Path("runs/npr"))     # .run: the outline
    load_expert("runs/npr").score([Image.open("photo.jpg")])

`data` says which pictures are fitted, held out and scored, `views` what the network is shown while
it learns, `settings` how each expert is trained, `loop` the steps, `state` how a killed run goes
on, `figures` what is measured.
"""
