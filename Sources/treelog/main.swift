print("treelog")
