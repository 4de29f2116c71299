console.log("the queue is open");
setInterval(() => {}, 1000);
