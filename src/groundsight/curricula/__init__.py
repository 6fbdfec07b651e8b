"""What is trained on when: weights and item choice as functions of progress."""
