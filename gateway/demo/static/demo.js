// Shows what is new, as a mail client would; a mail that is being written is left alone.
const seen = document.body.dataset.news;
let typed = false;
document.addEventListener("input", () => { typed = true; });
setInterval(async () => {
  const news = await fetch("/news").then((answer) => answer.text()).catch(() => seen);
  if (news !== seen && !typed) location.reload();
}, 1500);
