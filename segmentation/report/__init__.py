"""What people see: the page, the PDF, and the dashboard."""
