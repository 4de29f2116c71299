"""Pages that are compiled from Python, and the state behind them."""

import reflex as rx


class Counter(rx.State):
    count: int = 0

    @rx.event
    def more(self) -> None:
        self.count += 1


def index() -> rx.Component:
    return rx.vstack(rx.heading("hello from reflex"), rx.button("more", on_click=Counter.more), rx.text(Counter.count))


app = rx.App()
app.add_page(index)
