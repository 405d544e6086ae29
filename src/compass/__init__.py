"""compass"""
