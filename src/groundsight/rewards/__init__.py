"""How an answer is judged: pure, named, ranged rewards and the rubric that weights them."""
