"""Examines what texpipe runs on: software, devices, models, folders, emulators, speed."""
