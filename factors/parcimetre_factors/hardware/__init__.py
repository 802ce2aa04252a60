"""What a device is: its description, and the product or processor that its names stand for."""
