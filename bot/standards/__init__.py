"""Contacts in the forms that others read and write: Open Referral's HSDS 3.0, CSV, JSON."""
