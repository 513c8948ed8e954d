"""What people asked to be told: alerts of the Weather Service, and coordinators' broadcasts."""
