//! Verification on a scripted STS and a scripted platform, under virtual time.
