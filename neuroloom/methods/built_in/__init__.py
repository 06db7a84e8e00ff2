"""The methods that neuroloom comes with, a file for each room and one for baselines and steps that go with any."""
