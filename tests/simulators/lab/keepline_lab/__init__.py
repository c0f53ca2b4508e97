"""The laboratory: a simulated vCenter and a simulated VDDK over disk files in one folder."""
