"""The reference receiver of batches and the operator's page."""
