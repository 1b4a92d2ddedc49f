"""The stand-in for AWS, through its control API, and the scripts its answers follow."""
