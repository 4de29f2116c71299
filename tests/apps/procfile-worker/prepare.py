print("prepared once", flush=True)
