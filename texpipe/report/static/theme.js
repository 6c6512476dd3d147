// Light or dark, before anything is drawn: what was chosen here, else what the system says.
"use strict";

const theme = {
  read() {
    try {
      return localStorage.getItem("texpipe-theme");
    } catch {
      return null; // some browsers keep nothing for pages from the disk
    }
  },

  apply() {
    const dark = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
    document.documentElement.dataset.theme = theme.read() ?? dark;
  },

  toggle() {
    const next = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    try {
      localStorage.setItem("texpipe-theme", next);
    } catch {
      // the choice then lasts as long as the page
    }
  },
};

theme.apply();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", theme.apply);
