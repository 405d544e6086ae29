"""The web page: thin pages over the library, and the only place that imports Streamlit."""
