"""What a screen costs: rates measured on earlier runs, and the estimate made of them before the next one."""
