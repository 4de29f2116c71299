document.querySelector("#app").textContent = `at ${location.pathname}`;
