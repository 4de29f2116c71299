document.querySelector("#app").textContent = `Hello from rw, at ${location.pathname}`;
