"""The words of Keepline: values without behaviour beyond their own rules."""
