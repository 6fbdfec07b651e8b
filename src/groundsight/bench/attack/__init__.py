"""White-box attacks: how few grey levels flip a verdict when the attacker holds the weights.

    target = ExpertTarget(load_expert("runs/npr"))
    settings = AttackSettings(method="pgd", levels=(0, 1, 2, 4, 8), codec="jpeg-75")
    run = start_attack(samples, target, Path("out"), settings)
    for line in run: ...
    run.finish().figures        # accuracy over ε

The attack follows the gradient of the label's loss through the network and all of its
pre-processing to the picture's pixels. What it finds is rounded to 8 bits and written to a file and
read again before it is judged, as the network would get it.
"""
