"""The page: Gradio components, what they show of jobs, and the scripts and styles they come with."""
