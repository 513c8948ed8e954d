"""Faro, a bilingual disaster-resource chatbot."""
