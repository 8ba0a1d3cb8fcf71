// Draws what the table beside holds, with uPlot; without a script the table tells it all.
"use strict";

const data = JSON.parse(document.getElementById("charts")?.textContent ?? "null");

function color(place) {
  return ["#417690", "#ba2121", "#6a8b00", "#8a6d3b"][place % 4];
}

function day(seconds) {
  return new Date(seconds * 1000).toISOString().slice(0, 10);
}

function draw(place) {
  const series = data[place.dataset.chart];
  const text = getComputedStyle(document.body).color;
  const axis = { stroke: text, grid: { stroke: "rgba(128, 128, 128, .25)" } };
  const options = {
    width: place.clientWidth, height: 200,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "UTC"),
    axes: [{ ...axis, values: (plot, days) => days.map((at) => day(at).slice(5)) }, { ...axis, size: 60 }],
    scales: { y: { range: (plot, low, high) => [0, high > 0 ? high * 1.1 : 1] } },
    series: [{ label: data.day, value: (plot, at) => (at === null ? "–" : day(at)) }, ...series.map((one, number) => ({
      label: one.name, stroke: color(number), width: 2, points: { show: data.days.length < 40 },
    }))],
  };
  new uPlot(options, [data.days, ...series.map((one) => one.values)], place);
}

if (data) document.querySelectorAll("[data-chart]").forEach(draw);
