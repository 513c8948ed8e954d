"""What public bodies publish: open shelters of FEMA and the Red Cross, alerts of the National Weather Service."""
