// An opened mail is shown at its full height; its frame runs no scripts.
for (const frame of document.querySelectorAll("article iframe[sandbox*=same-origin]")) {
  const fit = () => { frame.style.height = `${frame.contentDocument.documentElement.scrollHeight + 4}px`; };
  if (frame.contentDocument?.readyState === "complete") fit();
  frame.addEventListener("load", fit);
  addEventListener("resize", fit);
}
// Shows what is new, as a mail client would; a mail that is being written is left alone.
const seen = document.body.dataset.news;
let typed = false;
document.addEventListener("input", () => { typed = true; });
setInterval(async () => {
  const news = await fetch("/news").then((answer) => answer.text()).catch(() => seen);
  if (news !== seen && !typed) location.reload();
}, 1500);
