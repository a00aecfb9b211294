"""How Bash divides a command line, where it completes a word of it. Every command imports this, so it stays small."""

from click.shell_completion import BashComplete, CompletionItem


class WholeWordBash(BashComplete):
    """
    Bash, whose words end at each colon and equals sign: they are put together again.

    ``gunicorn:gt`` arrives as three words, and what is completed replaces the last of them.
    """

    typed = ""
    """The part of the value that belongs to words before the last one."""

    def get_completion_args(self) -> tuple[list[str], str]:
        """The words before the cursor, and the value to complete."""
        args, last = super().get_completion_args()
        words: list[str] = []
        for word in (each for each in (*args, last) if each != "="):
            if words and (word == ":" or words[-1].endswith(":")):
                words[-1] += word
            else:
                words.append(word)
        if last == "=":
            words.append("")
        *before, value = words
        self.typed = value.removesuffix(last.removeprefix(":")) if value != last else ""
        return before, value

    def format_completion(self, item: CompletionItem[str]) -> str:
        """The value without the part that Bash keeps."""
        return f"{item.type},{item.value.removeprefix(self.typed)}"
