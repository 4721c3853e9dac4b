"""What a trained model is: its files, scores, explanations and place in the registry."""
