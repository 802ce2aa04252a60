"""Factor sets compared and searched: their effect on figures, adoption, calibration."""
