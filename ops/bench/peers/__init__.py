"""What others build for the same job, measured beside ours on the same machine in the same run."""
