"""What migrations need beside the portal: another login, patience with locks, and leave for the portal's."""
