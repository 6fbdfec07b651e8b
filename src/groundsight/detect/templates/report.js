"use strict";
(function () {
  const list = document.getElementById("cards");
  const cards = Array.from(list.children);
  const shown = document.getElementById("shown");
  const search = document.getElementById("search");
  const sort = document.getElementById("sort");
  const filters = Array.from(document.querySelectorAll("button[data-status]"));
  let status = "";

  const number = (card, missing) => card.dataset.p === "" ? missing : Number(card.dataset.p);
  const orders = {
    given: (a, b) => a.dataset.index - b.dataset.index,
    high: (a, b) => number(b, -1) - number(a, -1),
    low: (a, b) => number(a, 2) - number(b, 2),
    unsure: (a, b) => Math.abs(number(a, 9) - 0.5) - Math.abs(number(b, 9) - 0.5),
    name: (a, b) => a.dataset.path.localeCompare(b.dataset.path, undefined, { numeric: true }),
  };

  function filter() {
    const wanted = search.value.trim().toLowerCase();
    let count = 0;
    for (const card of cards) {
      const fits = (!status || card.dataset.status === status) &&
        (!wanted || card.textContent.toLowerCase().includes(wanted));
      card.hidden = !fits;
      count += fits ? 1 : 0;
    }
    shown.textContent = count === cards.length ? "" : count + " of " + cards.length + " shown";
  }

  for (const button of filters) {
    button.addEventListener("click", function () {
      status = button.dataset.status;
      for (const other of filters) other.setAttribute("aria-pressed", String(other === button));
      filter();
    });
  }
  let waiting = 0;
  search.addEventListener("input", function () {
    clearTimeout(waiting);
    waiting = setTimeout(filter, 120);
  });
  sort.addEventListener("change", function () {
    cards.sort(orders[sort.value]);
    list.append(...cards);
  });
  document.getElementById("bar").hidden = false;
})();
