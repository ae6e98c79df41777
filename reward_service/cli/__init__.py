"""The command `reward-service`: what people run on a terminal."""
