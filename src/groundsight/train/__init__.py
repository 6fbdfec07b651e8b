"""Post-training as whole jobs: recipes, rehearsal. Modules that need torch import it themselves."""
