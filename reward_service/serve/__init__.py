"""Answers calls: looks ground truth up, measures, rewards, assembles groups."""
