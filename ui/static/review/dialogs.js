// What is shown in front of the page.
import {call, el, t, toast} from "/static/shared/base.js";
import {API} from "/static/review/server.js";

/** Show why a part scored as it did: the page the server made of it, in which nothing runs. */
export async function showWhy(part) {
  const answer = await call(`${API}/why/${part.part_id}`);
  if (!answer.ok) { toast(answer.error, "bad"); return; }
  const close = el("button", {type: "button", class: "close", "aria-label": t("review.close"), onclick: () => made.close()}, "×");
  const made = el("dialog", {class: "review-dialog why"}, el("header", {}, el("h2", {}, t("review.do_why")), close),
    el("iframe", {sandbox: "", srcdoc: answer.page, title: t("review.do_why")}));
  made.addEventListener("close", () => made.remove());
  document.querySelector(".review").append(made);
  made.showModal();
}
