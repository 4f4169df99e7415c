"""`python -m gui.translations` brings the `.ts` files up to date and counts what is left to translate."""

from gui.translations import files, update

if __name__ == "__main__":
    for path in files():
        print(f"{path.name}: {update(path)} texts to translate")
