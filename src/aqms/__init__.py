"""aqms"""
